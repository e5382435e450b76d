"""What people see. Knows jobs, the document and plain data of the engine; never a target, a runtime or a process."""
