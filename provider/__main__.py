"""What the engine starts: ``provider/`` is the plugin, and the components are beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from provider.package import serve

if __name__ == "__main__":
    serve(sys.argv[1:])
