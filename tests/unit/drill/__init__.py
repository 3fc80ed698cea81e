"""The drill's own logic, on histories made up to the millisecond."""
