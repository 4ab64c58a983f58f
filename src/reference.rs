//! What the documentation says and the code knows: written from here, and held to it by tests.

pub mod findings;
