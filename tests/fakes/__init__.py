"""Services that stand where the cloud itself would be: real protocols, on loopback."""
