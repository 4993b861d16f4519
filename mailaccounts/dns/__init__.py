"""What DNS says of a sender's domain, and the records that it should have.

``report.domain_report`` is the way in; nothing here writes a model.
"""
