"""The lines to the national gateways: the insurance's and the e-prescription system's."""
