//! Whether the time of a comparison tells anything about the secret (S-01), as dudect asks: two kinds of input, measured
//! in a mixed order, and Welch's t between them.
//!
//! Only what is measured in a quiet moment counts: the upper tail, where something else used the processor, is cut off.
//! On a busy machine a difference may still appear, so a suspicion is looked at again with more measurements, and each look
//! has a control: the last kind is presented as two. What tells those apart is the machine, and counts for nothing; a real
//! leak does not go away, it grows with the square root of the measurements.

use std::{hint::black_box, time::Instant};

use super::{tests::basic, *};

/// Of each kind, in the first look.
const MEASUREMENTS: usize = 200_000;
/// Beyond this a difference is no accident.
const SUSPICIOUS: f64 = 4.5;
/// A difference has to be so many times that between two kinds that are the same.
const BEYOND_CONTROL: f64 = 3.0;
/// How often a suspicion is looked at again, each time with twice as many measurements.
const LOOKS: usize = 4;

/// Kinds of what a caller presents, all of the same length, each with its name.
struct Kinds(Vec<(&'static str, String, String)>);

impl Kinds {
    fn new(kinds: &[(&'static str, &str, &str)]) -> Self {
        let lengths = |(_, user, secret): &(&str, &str, &str)| (user.len(), secret.len());
        assert!(kinds.iter().all(|kind| lengths(kind) == lengths(&kinds[0])), "nothing else may differ");
        let control = kinds.last().map(|(_, user, secret)| ("the same again", *user, *secret));
        let owned =
            |(name, user, secret): (&'static str, &str, &str)| (name, user.to_owned(), secret.to_owned());
        Self(kinds.iter().copied().chain(control).map(owned).collect())
    }

    /// Nanoseconds of many calls for each kind, in an order that nothing can foresee.
    fn measured(&self, count: usize, decide: impl Fn(&str, &str) -> bool) -> Vec<Vec<f64>> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap();
        let mut order = u64::from_le_bytes(seed) | 1;
        let mut times: Vec<_> = self.0.iter().map(|_| Vec::with_capacity(count + count / 8)).collect();
        // every kind is presented from the same memory
        let (mut user, mut secret) = (self.0[0].1.clone(), self.0[0].2.clone());
        while times.iter().any(|of_kind| of_kind.len() < count) {
            order ^= order << 13;
            order ^= order >> 7;
            order ^= order << 17;
            let kind = usize::try_from(order >> 33).unwrap() % times.len();
            user.clear();
            user.push_str(&self.0[kind].1);
            secret.clear();
            secret.push_str(&self.0[kind].2);
            let began = Instant::now();
            black_box(decide(black_box(&user), black_box(&secret)));
            times[kind].push(began.elapsed().as_nanos() as f64);
        }
        times
    }

    /// The two kinds whose times differ most, and by how much, for every look that found a difference: all of them, or
    /// nothing was found.
    fn told_apart(&self, count: usize, decide: impl Fn(&str, &str) -> bool) -> Option<Vec<String>> {
        // what is run for the first time is slower
        self.measured(count / 20, &decide);
        let mut found = Vec::new();
        for look in 0..LOOKS {
            let times = self.measured(count << look, &decide);
            let control = times.len() - 1;
            let noise = largest_t(&times[control - 1], &times[control]);
            let pairs = (0..control).flat_map(|second| (0..second).map(move |first| (first, second)));
            let differing =
                pairs.map(|(first, second)| (largest_t(&times[first], &times[second]), first, second));
            let (t, first, second) = differing.max_by(|one, other| one.0.total_cmp(&other.0))?;
            if t < SUSPICIOUS.max(BEYOND_CONTROL * noise) {
                return None;
            }
            found.push(format!("{} and {}: |t| = {t:.1}", self.0[first].0, self.0[second].0));
        }
        Some(found)
    }
}

/// Welch's t of what is below a share of all measurements: the largest over several such shares.
fn largest_t(first: &[f64], second: &[f64]) -> f64 {
    let mut all: Vec<f64> = first.iter().chain(second).copied().collect();
    all.sort_by(f64::total_cmp);
    let below = |percent: usize| all[(all.len() - 1) * percent / 100];
    [50, 75, 90, 95]
        .map(|percent| welch([first, second], below(percent)).abs())
        .into_iter()
        .fold(0.0, f64::max)
}

fn welch(times: [&[f64]; 2], limit: f64) -> f64 {
    let [first, second] = times.map(|of_kind| {
        let kept: Vec<f64> = of_kind.iter().copied().filter(|time| *time <= limit).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (first.0 - second.0) / (first.1 + second.1).sqrt().max(f64::EPSILON)
}

const USER: &str = "the-platform-user";
const SECRET: &str = "correct-horse-battery-staple-0123456789";

#[test]
fn s_01_the_time_of_a_refusal_tells_nothing_about_the_secret() {
    let credentials = vec![basic("other", "somebody", &SECRET.to_uppercase()), basic("a", USER, SECRET)];
    let (auth, _) = Authenticator::new(credentials, true).unwrap();
    let decide = |user: &str, secret: &str| auth.compare(&auth.tag(Some(user), secret)).is_some();
    assert!(decide(USER, SECRET));
    let last_byte = SECRET.replace("6789", "678X");
    let nothing_right = "X".repeat(SECRET.len());
    let nobody = "X".repeat(USER.len());
    let kinds = Kinds::new(&[
        ("a wrong user", &nobody, SECRET),
        ("a wrong password", USER, &nothing_right),
        ("a wrong last byte", USER, &last_byte),
    ]);
    assert!(kinds.0.iter().all(|(_, user, secret)| !decide(user, secret)));
    assert_eq!(kinds.told_apart(MEASUREMENTS, decide), None);
}

/// The measurement does find what gives up at the first difference.
#[test]
fn s_01_a_comparison_that_stops_early_is_found() {
    let known = "k".repeat(1_000);
    let (first, last) = (format!("X{}", &known[1..]), format!("{}X", &known[1..]));
    let kinds = Kinds::new(&[("a wrong first byte", USER, &first), ("a wrong last byte", USER, &last)]);
    let stops_early = |_: &str, secret: &str| {
        let mut pairs = secret.bytes().zip(known.bytes());
        pairs.all(|(presented, known)| black_box(presented) == black_box(known))
    };
    let found = kinds.told_apart(MEASUREMENTS / 100, stops_early);
    assert_eq!(found.map(|looks| looks.len()), Some(LOOKS));
}
