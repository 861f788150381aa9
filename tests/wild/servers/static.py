"""Pages that a program wrote once, and that lie on a web server or in a bucket."""

from tests.wild.play import Recorded

_BESIDE = "/simple/{{ project.name }}/{{ file.name }}"

STATIC = (
    Recorded(
        name="dumb-pypi",
        tells="sha256 python yanks metadata",
        page_path="/simple/{{ project.name }}/index.html",
        file_path="/pool/{{ file.name }}",
        list="""<!doctype html><html><head><title>Simple index</title></head><body><h1>Simple index</h1>
<p>Generated on January 2, 2024.</p><ul>
{% for project in projects %}<li><a href="{{ project.name }}/index.html">{{ project.name }}</a></li>
{% endfor %}</ul></body></html>""",
        page="""<!doctype html><html><head><title>{{ project.name }}</title></head><body>
<h1>{{ project.name }}</h1><p>Latest version: <input type="text" value="{{ project.name }}==2.0"></p><ul>
{% for file in files|reverse %}<li><a href="../../pool/{{ file.quoted }}#sha256={{ file.sha256 }}"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
{% if file.metadata_sha256 %} data-core-metadata="sha256={{ file.metadata_sha256 }}"{% endif %}
{% if file.yanked %} data-yanked="{{ file.yanked|e }}"{% endif %}
>{{ file.name }}</a> (2024-01-02 03:04:05, someone)</li>
{% endfor %}</ul><script>document.title += '<a href="none">';</script></body></html>""",
    ),
    Recorded(
        name="python-pypi-mirror",
        tells="sha256 python",
        page_path="/simple/{{ project.name }}/index.html",
        file_path=_BESIDE,
        list="""<!DOCTYPE html><html><head><title>Simple index</title></head><body>
{% for project in projects %}<a href="{{ project.name }}/index.html">{{ project.name }}</a><br/>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html><head><title>Links for {{ project.name }}</title></head>
<body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ file.quoted }}#sha256={{ file.sha256 }}" data-requires-python="
{%- if file.requires_python %}{{ file.requires_python|e }}{% endif %}">{{ file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="pip2pi",
        page_path="/simple/{{ project.name }}/",
        file_path=_BESIDE,
        list="""<html><head><title>Simple Index</title><meta name='api-version' value='2' /></head><body>
{% for project in projects %}<a href='{{ project.name }}/'>{{ project.raw }}</a><br />
{% endfor %}</body></html>""",
        # It writes anchors one after the other, and neither head nor end.
        page="""{% for file in files %}<a href='{{ file.name }}'>{{ file.name }}</a><br />
{% endfor %}""",
    ),
    Recorded(
        name="simple503",
        tells="sha256 python metadata",
        file_path=_BESIDE,
        list="""<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8">
<meta name="generator" content="simple503"><meta name="pypi:repository-version" content="1.0">
<title>Simple Package Repository</title></head><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a><br />
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8">
<meta name="pypi:repository-version" content="1.0"><title>Links for {{ project.name }}</title></head><body>
<h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ file.quoted }}#sha256={{ file.sha256 }}"
{% if file.metadata_sha256 %} data-dist-info-metadata="sha256={{ file.metadata_sha256 }}"{% endif %}
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
>{{ file.name }}</a><br />
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="s3pypi",
        tells="sha256",
        index="/",
        page_path="/{{ project.name }}/",
        file_path="/{{ project.name }}/{{ file.name }}",
        slashless=404,
        plus_is_space=True,
        type="text/html",
        list="""<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><title>Package Index</title></head>
<body>{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a><br>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><title>Package Index</title></head>
<body>{% for file in files %}<a href="{{ file.quoted }}#sha256={{ file.sha256 }}">{{ file.name }}</a><br>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="PyTorch",
        tells="sha256 metadata",
        index="/whl/nightly/",
        page_path="/whl/nightly/{{ project.name }}/",
        file_path="/whl/nightly/{{ file.name }}",
        slashless=404,
        plus_is_space=True,
        type="text/html",
        headers={"Cache-Control": "no-cache,no-store,must-revalidate"},
        list="""<!DOCTYPE html>
<html>
  <body>
{% for project in projects %}    <a href="{{ project.name }}/">{{ project.name }}</a><br/>
{% endfor %}  </body>
</html>
<!--TIMESTAMP 1704164645-->""",
        page="""<!DOCTYPE html>
<html>
  <body>
    <h1>Links for {{ project.name }}</h1>
{% for file in files %}    <a href="/whl/nightly/{{ file.quoted }}#sha256={{ file.sha256 }}"
{%- if file.metadata_sha256 %} data-dist-info-metadata="sha256={{ file.metadata_sha256 }}"
{%- endif %}>{{ file.name }}</a><br/>
{% endfor %}  </body>
</html>
<!--TIMESTAMP 1704164645-->""",
    ),
    Recorded(
        name="piwheels",
        tells="sha256 python yanks-bare",
        file_path=_BESIDE,
        list="""<!doctype html>
<html><head><meta name="api-version" value="2" /><title>piwheels - Simple index</title></head>
<body>{% for project in projects %}<a href="{{ project.name }}">{{ project.name }}</a>
{% endfor %}</body></html>""",
        page="""<!doctype html>
<html><head><title>piwheels - Links for {{ project.name }}</title></head>
<body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ file.name }}#sha256={{ file.sha256 }}"
{% if file.yanked %} data-yanked=""{% endif %}
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
>{{ file.name }}</a><br>{% endfor %}
</body></html>""",
    ),
)
