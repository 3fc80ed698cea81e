"""The emulated API: RPC style over HTTPS, signatures checked, everything unknown refused."""
