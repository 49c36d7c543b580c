"""The facade's own tables, and the parts of resource types that read them."""
