"""What the doctor looks at: one module for operators, numbers and the structure of a graph each."""
