//! References between instances: `@ref.key` for a whole value, `${ref.key}` inside a text, at any depth.
