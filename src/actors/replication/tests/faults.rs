//! Links that are not.
