"""FaceFusion Mobile Studio's window. Qt lives in this package and only here; heavy work lives in worker processes."""
