//! How large a catalog may be (S-54).

/// Sizes beyond which a catalog is refused. The defaults suit any catalog that a platform of today would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Offerings.
    pub services: usize,
    /// Plans of all offerings together.
    pub plans: usize,
    /// Characters of one description or tag.
    pub text: usize,
    /// Characters of a name.
    pub name: usize,
    /// Characters of an offering's tags together (quirks 1.6).
    pub tags: usize,
    /// Bytes of one `metadata` object as JSON.
    pub metadata: usize,
    /// Characters of `maintenance_info` as JSON (quirk 17).
    pub maintenance_info: usize,
    /// Bytes of the whole catalog as JSON.
    pub catalog: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            services: 1_000,
            plans: 10_000,
            text: 10_000,
            name: 255,
            tags: 2_048,
            metadata: 262_144,
            maintenance_info: 2_000,
            catalog: 4 << 20,
        }
    }
}
