use std::f64::consts::TAU;

use super::rig::RATE;

/// From one window to the next, in frames.
pub(super) const APART: f64 = 10.0 * RATE as f64;

/// Cycles per frame of what is played: a tone to measure noise and fractions of a frame by, and a slow one that tells
/// which of its cycles it is.
const TONES: [f64; 2] = [997.0 / RATE as f64, 10.0 / RATE as f64];

/// What is played at frame `frame` of the playback clock, with a fraction.
pub(super) fn tone(frame: f64) -> f32 {
    // Nobody looks at the rest, and it takes its time.
    if frame % APART > 3.0 * f64::from(RATE) {
        return 0.0;
    }
    let [fast, slow] = TONES.map(|pitch| (frame * pitch).fract() * TAU);
    (0.5 * fast.sin() + 0.25 * slow.sin()) as f32
}

/// A stretch of a recording of [`tone`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitted {
    /// dB of the fast tone over all that is neither.
    pub(super) snr: f64,
    /// Frames by which the recording is ahead of what was expected.
    pub(super) error: f64,
}

/// Fits both tones, each with a phase and a pitch of its own, to `samples`, the first of which should be what is played
/// at frame `first`.
pub(super) fn fit(samples: &[f32], first: f64) -> Fitted {
    let middle = (samples.len() - 1) as f64 / 2.0;
    let basis = |index: usize| {
        let at = index as f64 - middle;
        let drift = at / middle;
        let [fast, slow] = TONES.map(|pitch| ((first + middle + at) * pitch).fract() * TAU);
        let ((a, b), (c, d)) = (fast.sin_cos(), slow.sin_cos());
        [a, b, a * drift, b * drift, c, d, c * drift, d * drift]
    };
    let (mut matrix, mut right) = ([[0.0; 8]; 8], [0.0; 8]);
    for (index, &sample) in samples.iter().enumerate() {
        let basis = basis(index);
        for row in 0..8 {
            right[row] += basis[row] * f64::from(sample);
            for column in 0..8 {
                matrix[row][column] += basis[row] * basis[column];
            }
        }
    }
    let weights = solve(matrix, right);
    let mut noise = 0.0;
    for (index, &sample) in samples.iter().enumerate() {
        let fitted: f64 = basis(index).iter().zip(weights).map(|(basis, weight)| basis * weight).sum();
        noise += (f64::from(sample) - fitted).powi(2);
    }
    let power = weights[0].powi(2).midpoint(weights[1].powi(2));
    let ahead = |tone: usize, pitch: f64| weights[tone + 1].atan2(weights[tone]) / (TAU * pitch);
    let (fine, coarse) = (ahead(0, TONES[0]), ahead(4, TONES[1]));
    let cycles = ((coarse - fine) * TONES[0]).round();
    Fitted { snr: 10.0 * (power * samples.len() as f64 / noise).log10(), error: fine + cycles / TONES[0] }
}

/// Gauss, with the largest pivot.
fn solve(mut matrix: [[f64; 8]; 8], mut right: [f64; 8]) -> [f64; 8] {
    for pivot in 0..8 {
        let largest =
            (pivot..8).max_by(|&a, &b| matrix[a][pivot].abs().total_cmp(&matrix[b][pivot].abs())).unwrap();
        matrix.swap(pivot, largest);
        right.swap(pivot, largest);
        for row in pivot + 1..8 {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let above = matrix[pivot];
            for (value, above) in matrix[row].iter_mut().zip(above) {
                *value -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    let mut solution = [0.0; 8];
    for row in (0..8).rev() {
        let known: f64 = (row + 1..8).map(|column| matrix[row][column] * solution[column]).sum();
        solution[row] = (right[row] - known) / matrix[row][row];
    }
    solution
}
