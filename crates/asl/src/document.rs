//! A definition as it is written: order kept, every value with its place in the text.
