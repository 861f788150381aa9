"""Write the files that are made of the parser."""

from tests.generated import contents

for path, text in contents().items():
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
