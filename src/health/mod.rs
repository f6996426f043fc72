//! How an object fares.
