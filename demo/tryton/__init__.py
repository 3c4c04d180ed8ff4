"""Tryton 8.2 as the company's ERP: built once as a template, copied where it is used, run on loopback."""
