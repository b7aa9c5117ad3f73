//! Runs against a broker over HTTP.
