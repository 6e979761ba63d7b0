"""ONVIF: is the device service alive and what time does it keep, what device is it, and which devices are out there."""
