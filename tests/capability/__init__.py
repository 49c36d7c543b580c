"""What the server says of itself is true."""
