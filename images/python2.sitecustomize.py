# On the path of pip's children while they install a release: 1.0.2 lacks the
# requirements.txt that its setup.py reads.
import os

if os.path.exists("setup.py") and not os.path.exists("requirements.txt"):
    open("requirements.txt", "a").close()
