//! States that no real authority can be brought into at will.
