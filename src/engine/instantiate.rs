//! Module + imports → instance, by the steps of the specification.
