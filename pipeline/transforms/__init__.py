"""Work on what the queries reduced: pure functions, frames in, values out."""
