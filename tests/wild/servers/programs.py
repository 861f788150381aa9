"""Programs that people run for themselves."""

from tests.wild.play import Recorded

_FILE_JSON = """{"filename": "{{ file.name }}", "url": "{{ file.path }}",
"hashes": {"sha256": "{{ file.sha256 }}"}
{% if file.requires_python %}, "requires-python": {{ file.requires_python|tojson }}{% endif %}"""
_SERIAL = "1000000000"  # what pulp sends for whatever is asked

PROGRAMS = (
    Recorded(
        name="devpi",
        tells="sha256 python yanks",
        index="/me/dev/+simple/",
        page_path="/me/dev/+simple/{{ project.name }}/",
        file_path="/me/dev/+f/{{ file.sha256[:3] }}/{{ file.sha256[3:16] }}/{{ file.name }}",
        finds_spellings=True,
        headers={"Vary": "Accept, User-Agent", "X-DEVPI-API-VERSION": "2"},
        list="""<!DOCTYPE html><html lang="en"><head>
<title>me/dev: simple list (including inherited indices)</title></head><body>
<h1>me/dev: simple list (including inherited indices)</h1><h2>me/dev</h2>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a><br>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html lang="en"><head>
<title>me/dev: links for {{ project.name }}</title></head>
<body><h1>me/dev: links for {{ project.name }}</h1>
<form action="/me/dev/+simple/{{ project.name }}/refresh" method="post"><input type="submit"></form>
{% for file in files %}me/dev <a href="../../+f/{{ file.sha256[:3] }}/{{ file.sha256[3:16] }}/{{ file.name -}}
#sha256={{ file.sha256 }}"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
{% if file.yanked %} data-yanked="{{ file.yanked|e }}"{% endif %}
>{{ file.name }}</a><br>
{% endfor %}</body></html>""",
        list_json="""{"meta":{"api-version":"1.0"},"projects":[
{%- for project in projects %}{"name":"{{ project.name }}"}{{ "" if loop.last else "," }}{% endfor %}]}""",
        page_json="""{"meta":{"api-version":"1.0"},"name":"{{ project.name }}","files":[
{% for file in files %}"""
        + _FILE_JSON
        + """{% if file.yanked %}, "yanked": {{ file.yanked|tojson }}{% endif %}
}{{ "" if loop.last else "," }}
{% endfor %}]}""",
    ),
    Recorded(
        name="pypiserver",
        tells="md5",
        finds_spellings=True,
        list="""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Simple Index</title></head>
<body><h1>Simple Index</h1>
{% for project in projects %}        <a href="{{ project.name }}/">{{ project.name }}</a><br>
{% endfor %}</body></html>
    """,
        page="""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Links for {{ project.name }}</title></head><body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="/packages/{{ file.name }}#md5={{ file.md5 }}">{{ file.name }}</a><br>
{% endfor %}</body></html>
    """,
    ),
    Recorded(
        name="pulp",
        tells="sha256 python metadata",
        index="/pypi/mine/simple/",
        page_path="/pypi/mine/simple/{{ project.name }}/",
        file_path="/pulp/content/mine/{{ file.name }}",
        headers={"X-PyPI-Last-Serial": _SERIAL},
        list="""<!DOCTYPE html>
<html><head><title>Simple Index</title><meta name="pypi:repository-version" content="1.0" /></head><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.raw }}</a><br/>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html>
<html><head><title>Links for {{ project.name }}</title><meta name="pypi:repository-version" content="1.0" />
</head><body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ origin }}{{ file.path }}#sha256={{ file.sha256 }}" rel="internal"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
{% if file.metadata_sha256 %} data-dist-info-metadata="sha256={{ file.metadata_sha256 }}"{% endif %}
>{{ file.name }}</a><br/>
{% endfor %}</body></html>""",
        list_json='{"meta": {"api-version": "1.0", "_last-serial": ' + _SERIAL + '}, "projects": ['
        '{% for project in projects %}{"name": "{{ project.raw }}", "_last-serial": ' + _SERIAL + "}"
        '{{ "" if loop.last else ", " }}{% endfor %}]}',
        page_json='{"meta": {"api-version": "1.0", "_last-serial": ' + _SERIAL + "}, "
        '"name": "{{ project.name }}", "files": [{% for file in files %}' + _FILE_JSON + ', "yanked": false, '
        '"data-dist-info-metadata": {% if file.metadata_sha256 %}{"sha256": "{{ file.metadata_sha256 }}"}'
        '{% else %}false{% endif %}}{{ "" if loop.last else ", " }}{% endfor %}]}',
    ),
    Recorded(
        name="proxpi",
        tells="sha256 python yanks",
        index="/index/",
        page_path="/index/{{ project.name }}/",
        file_path="/index/{{ project.name }}/{{ file.name }}",
        list="""<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8"><meta name="pypi:repository-version" content="1.0">
<title>Index</title></head><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a><br />
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8"><meta name="pypi:repository-version" content="1.0">
<meta name="generator" content="proxpi"><title>{{ project.name }}</title></head><body>
{% for file in files %}<a href="{{ file.name }}#sha256={{ file.sha256 }}"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
{% if file.yanked %} data-yanked="{{ file.yanked|e }}"{% endif %}
>{{ file.name }}</a><br />
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="pypimirror",
        tells="sha256 python yanks metadata",
        index="/",
        page_path="/{{ project.name }}/",
        file_path="/{{ project.name }}/{{ file.name }}",
        list="""<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.4">
<title>Simple index</title></head><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.raw }}</a>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.4">
<title>Links for {{ project.name }}</title></head><body>
{% for file in files %}<a href="{{ file.quoted }}#sha256={{ file.sha256 }}"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
{% if file.metadata_sha256 %} data-core-metadata="sha256={{ file.metadata_sha256 }}"{% endif %}
{% if file.yanked %} data-yanked="{{ file.yanked|e }}"{% endif %}
>{{ file.name }}</a>
{% endfor %}</body></html>""",
    ),
)
