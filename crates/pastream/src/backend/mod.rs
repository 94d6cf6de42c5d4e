//! Audio systems and their devices, behind one narrow trait.
