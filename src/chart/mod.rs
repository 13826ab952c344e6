//! Charts: stored history as SVG, drawn by plotters on a backend of our own that writes CSS
//! classes instead of colours, so that one drawing serves light, dark and print.
//!
//! # Layout
//! - [`role`]: what a stroke, a fill or a text stands for; the names are the classes of `style.css`.
//! - [`svg`]: the plotters backend, in tenths of a pixel.
//! - [`canvas`]: one drawing; pixels, texts, marks, and data coordinates by plotters.
//! - [`scale`]: value axes: ticks of 1, 2, 2.5, 5 and 10, linear and logarithmic, and their labels.
//! - [`along`]: where nights lie along the x axis. [`calendar`]: time axes: days, Mondays, months, quarters, years.
//! - [`label`]: how wide a text is, and how labels keep out of each other's way.
//! - [`thin`]: fewer points than pixels, without losing a spike or a marked night.
//! - [`lane`]: the events above a trend: change points, epochs, notes.
//! - [`plot`]: a history as numbers ready to draw.
//! - [`trend`]: the trend chart, wide, narrow and small.
//! - [`overlay`]: several series in one chart.
//! - [`spark`]: 30 nights in a table's row.
//! - [`control`]: a machine's noise, pair after pair. [`canary`]: what was planted, night after night;
//!   `changes`: the frame of both.
//! - [`interval`]: a change with its interval in a table's row. [`strip`]: raw samples of two sides.
//!   [`revisions`]: a history with two revisions marked.
//! - [`standalone`]: a drawing as a file of its own. [`picture`]: that file as PNG.
//! - [`curve`]: a quantity against a parameter or against time.
//!
//! # Invariants
//! 1. Data, then a plot-ready struct, then the drawing. Drawing cannot fail: no data draws a
//!    sentence.
//! 2. Every drawing has `role="img"`, a label that says the finding, and no colour of its own.
//! 3. A marked night is never dropped, and no text leaves its drawing.

pub mod along;
pub mod calendar;
pub mod canary;
pub mod canvas;
mod changes;
pub mod control;
pub mod curve;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod interval;
pub mod label;
pub mod lane;
pub mod overlay;
pub mod picture;
pub mod plot;
pub mod revisions;
pub mod role;
pub mod scale;
pub mod spark;
pub mod standalone;
pub mod strip;
pub mod svg;
pub mod thin;
pub mod trend;

pub use curve::{CurvePlot, Line};
pub use overlay::OverlayPlot;
pub use plot::{TrendPlot, XScale, YScale};
pub use trend::Size;
