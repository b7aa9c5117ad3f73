//! Whether the time of a comparison tells anything about the secret (S-01), as dudect asks: two kinds of input, measured
//! in a mixed order, and Welch's t between them.
//!
//! Only what is measured in a quiet moment counts: the upper tail, where something else used the processor, is cut off.
//! On a busy machine a difference may still appear once, so a suspicion is looked at again with more measurements; a
//! real leak does not go away, it grows with their square root.

use std::{hint::black_box, time::Instant};

use super::{tests::basic, *};

/// Of each kind, in the first look.
const MEASUREMENTS: usize = 200_000;
/// Beyond this a difference is no accident.
const SUSPICIOUS: f64 = 4.5;
/// How often a suspicion is looked at again.
const LOOKS: usize = 4;

/// Two kinds of what a caller presents; both of the same length.
struct Kinds([(String, String); 2]);

impl Kinds {
    fn new(first: (&str, &str), second: (&str, &str)) -> Self {
        let owned = |(user, secret): (&str, &str)| (user.to_owned(), secret.to_owned());
        assert_eq!((first.0.len(), first.1.len()), (second.0.len(), second.1.len()), "only what differs may differ");
        Self([owned(first), owned(second)])
    }

    /// Nanoseconds of many calls for each kind, in an order that nothing can foresee.
    fn measured(&self, count: usize, decide: impl Fn(&str, &str) -> bool) -> [Vec<f64>; 2] {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap();
        let mut order = u64::from_le_bytes(seed) | 1;
        let mut times = [Vec::with_capacity(count), Vec::with_capacity(count)];
        // both kinds are presented from the same memory
        let (mut user, mut secret) = self.0[0].clone();
        while times.iter().any(|of_kind| of_kind.len() < count) {
            order ^= order << 13;
            order ^= order >> 7;
            order ^= order << 17;
            let kind = usize::from(order >> 63 == 1);
            user.clear();
            user.push_str(&self.0[kind].0);
            secret.clear();
            secret.push_str(&self.0[kind].1);
            let began = Instant::now();
            black_box(decide(black_box(&user), black_box(&secret)));
            times[kind].push(began.elapsed().as_nanos() as f64);
        }
        times
    }
}

/// Welch's t of what is below a share of all measurements: the largest over several such shares.
fn largest_t(times: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let below = |percent: usize| all[(all.len() - 1) * percent / 100];
    [50, 75, 90, 95].map(|percent| welch(times, below(percent)).abs()).into_iter().fold(0.0, f64::max)
}

fn welch(times: &[Vec<f64>; 2], limit: f64) -> f64 {
    let [first, second] = times.each_ref().map(|of_kind| {
        let kept: Vec<f64> = of_kind.iter().copied().filter(|time| *time <= limit).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (first.0 - second.0) / (first.1 + second.1).sqrt().max(f64::EPSILON)
}

/// Whether the kinds can be told apart by their times, even at the last look.
fn can_be_told_apart(kinds: &Kinds, decide: impl Fn(&str, &str) -> bool) -> Result<(), Vec<f64>> {
    // what is run for the first time is slower
    kinds.measured(MEASUREMENTS / 20, &decide);
    let mut found = Vec::new();
    for look in 0..LOOKS {
        let t = largest_t(&kinds.measured(MEASUREMENTS << look, &decide));
        found.push(t);
        if t < SUSPICIOUS {
            return Err(found);
        }
    }
    Ok(())
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
    for (name, kinds) in [
        ("wrong password, wrong last byte", Kinds::new((USER, &nothing_right), (USER, &last_byte))),
        ("wrong user, wrong password", Kinds::new((&nobody, SECRET), (USER, &nothing_right))),
        ("wrong user, wrong last byte", Kinds::new((&nobody, SECRET), (USER, &last_byte))),
    ] {
        for (user, secret) in &kinds.0 {
            assert!(!decide(user, secret), "{name}");
        }
        if can_be_told_apart(&kinds, decide).is_ok() {
            panic!("{name}: the times differ");
        }
    }
}

/// The measurement does find what gives up at the first difference.
#[test]
fn s_01_a_comparison_that_stops_early_is_found() {
    let known = "k".repeat(4_096);
    let (first, last) = (format!("X{}", &known[1..]), format!("{}X", &known[1..]));
    let kinds = Kinds::new((USER, &first), (USER, &last));
    let stops_early = |_: &str, secret: &str| {
        let mut pairs = secret.bytes().zip(known.bytes());
        pairs.all(|(presented, known)| black_box(presented) == black_box(known))
    };
    assert_eq!(can_be_told_apart(&kinds, stops_early), Ok(()));
}
