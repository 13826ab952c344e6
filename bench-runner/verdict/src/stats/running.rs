//! The running median: a level that follows steps and ignores outliers.
//!
//! Tukey, "Exploratory Data Analysis", 1977, chapter 7. At the ends the window is cut off.

/// For each place the median of the `width` values around it; `width` is odd.
pub fn running_median(values: &[f64], width: usize) -> Vec<f64> {
    let reach = width / 2;
    let mut window: Vec<f64> = Vec::with_capacity(width + 1);
    for &value in values.iter().take(reach) {
        insert(&mut window, value);
    }
    (0..values.len())
        .map(|at| {
            if let Some(&entering) = values.get(at + reach) {
                insert(&mut window, entering);
            }
            if let Some(leaving) = at.checked_sub(reach + 1) {
                remove(&mut window, values[leaving]);
            }
            super::order::median_sorted(&window).unwrap_or(values[at])
        })
        .collect()
}

fn insert(window: &mut Vec<f64>, value: f64) {
    let at = window.partition_point(|other| other.total_cmp(&value).is_lt());
    window.insert(at, value);
}

fn remove(window: &mut Vec<f64>, value: f64) {
    let at = window.partition_point(|other| other.total_cmp(&value).is_lt());
    if at < window.len() {
        window.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{order, random::Random};

    #[test]
    fn each_place_has_the_median_of_its_window() {
        let mut random = Random::new(9);
        for count in 0..50 {
            let values: Vec<f64> = (0..count).map(|_| random.below(12) as f64).collect();
            for width in [1, 5, 21] {
                let got = running_median(&values, width);
                for (at, median) in got.iter().enumerate() {
                    let from = at.saturating_sub(width / 2);
                    let to = (at + width / 2 + 1).min(count);
                    assert_eq!(Some(*median), order::median(&values[from..to]));
                }
                assert_eq!(got.len(), count);
            }
        }
    }
}
