"""What the law asks of whoever keeps correspondence (docs/decisions.md 65 to 67).

    destruction   one person's data taken out of everything, with a certificate
    deliveries    what is left of a delivery that holds other people's messages, too
    sweep         what came again of what was destroyed, taken out of raw again
    files         files of the media store that no row needs any more
    holds         what must not be destroyed yet
    register      what is kept about people and why, and whom our programs call (specs/privacy.md)

Signs in as `crm_destroyer`, the one role that may take rows out of raw. What the models made of them goes by the fold.
"""
