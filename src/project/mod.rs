//! What an AppProject allows.
