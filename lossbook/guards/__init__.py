"""The only place where wrong input is put into words.

Every message says what was expected, what came, why it matters and how to mend it. Wrong shapes and values
raise ``ValueError``, wrong kinds ``TypeError``, a class that does not exist ``IndexError``, as torch does.

Names tell what a guard returns: ``check_…`` nothing, ``is_…`` and ``can_…`` a truth value, ``as_…`` a tensor; a noun
returns what it names.
"""
