//! What may run next: a traversal in progress. It starts nothing and waits for nothing.
