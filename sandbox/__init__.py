"""A small local Alibaba Cloud: API, hosts and network on which the program runs for real."""
