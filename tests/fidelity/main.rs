//! The sandbox against what the real API server does.

mod served;
