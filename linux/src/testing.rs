//! Namespaces for tests.
