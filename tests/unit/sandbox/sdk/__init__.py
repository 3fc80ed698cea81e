"""The API as Alibaba's own Python SDKs see it, over HTTPS."""
