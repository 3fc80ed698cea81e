"""Tests of the toolchain: what is built from what, what is found, what people are told."""
