//! Brokers that answer, do not, or answer something else.
