"""Data that needs no network, one function a module; everything else is tensorflow-datasets."""
