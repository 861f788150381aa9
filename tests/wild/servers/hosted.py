"""What companies host, or sell to be hosted."""

from tests.wild.play import Recorded

HOSTED = (
    Recorded(
        name="Nexus",
        tells="sha256 python",
        index="/repository/pypi/simple/",
        page_path="/repository/pypi/simple/{{ project.name }}/",
        file_path="/repository/pypi/packages/{{ project.name }}/{{ file.version }}/{{ file.name }}",
        type="text/html",
        list="""<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<title>Simple index</title></head><body>
{% for project in projects %}  <a href="{{ project.name }}/">{{ project.raw }}</a><br/>
{% endfor %}</body></html>
""",
        page="""<html lang="en">
<head><title>Links for {{ project.name }}</title>
  <meta name="api-version" value="2"/>
</head>
<body><h1>Links for {{ project.name }}</h1>
{% for file in files %}
  <a href="../../packages/{{ project.name }}/{{ file.version }}/{{ file.name }}#sha256={{ file.sha256 -}}
" rel="internal"
{%- if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"
{%- endif %} >{{ file.name }}</a><br/>
{% endfor %}</body>
</html>
""",
    ),
    Recorded(
        name="Artifactory",
        tells="md5 python",
        index="/artifactory/api/pypi/local/simple/",
        page_path="/artifactory/api/pypi/local/simple/{{ project.name }}/",
        file_path="/artifactory/api/pypi/local/packages/{{ file.sha256[:2] }}/{{ file.name }}",
        type="text/html",
        finds_spellings=True,
        list="""<!DOCTYPE html>
<html><head><title>Simple Index</title><meta name="api-version" value="2" /></head><body>
{% for project in projects %}<a href="{{ project.name }}/" rel="internal">{{ project.name }}</a><br/>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html>
<html><head><title>Links for {{ project.name }}</title><meta name="api-version" value="2" /></head>
<body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
 href="../../packages/{{ file.sha256[:2] }}/{{ file.name }}#md5={{ file.md5 }}" rel="internal">
{{- file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="GitLab",
        tells="sha256 python",
        index="/api/v4/projects/1/packages/pypi/simple",
        page_path="/api/v4/projects/1/packages/pypi/simple/{{ project.name }}/",
        slashless=200,
        file_path="/api/v4/projects/1/packages/pypi/files/{{ file.sha256 }}/{{ file.name }}",
        list="""<!DOCTYPE html>
<html><head><title>Links for Group</title></head><body><h1>Links for Group</h1>
{% for project in projects %}<a href="{{ origin }}/api/v4/projects/1/packages/pypi/simple/{{ project.name -}}
" data-requires-python="">{{ project.name }}</a><br>
{% endfor %}</body></html>
""",
        page="""<!DOCTYPE html>
<html><head><title>Links for {{ project.name }}</title></head><body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ origin }}{{ file.path }}#sha256={{ file.sha256 }}" data-requires-python="
{%- if file.requires_python %}{{ file.requires_python|e }}{% endif %}">{{ file.name }}</a><br>
{% endfor %}</body></html>
""",
    ),
    Recorded(
        name="Gitea",
        tells="python",
        index="/api/packages/me/pypi/simple/",
        page_path="/api/packages/me/pypi/simple/{{ project.name }}/",
        slashless=200,
        file_path="/api/packages/me/pypi/files/{{ project.name }}/{{ file.version }}/{{ file.name }}",
        # Its older versions write a digest that is none: nobody reads it.
        page="""<!DOCTYPE html>
<html>\t<head>\t\t<title>Links for {{ project.raw }}</title>
\t</head><body><h1>Links for {{ project.raw }}</h1>
{% for file in files %}<a href="{{ origin }}{{ file.path }}#sha256-{{ file.sha256 }}"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
>{{ file.name }}</a><br>
{% endfor %}</body></html>
""",
    ),
    Recorded(
        name="CodeArtifact",
        tells="sha256 python",
        index="/pypi/mine/simple/",
        page_path="/pypi/mine/simple/{{ project.name }}/",
        file_path="/pypi/mine/simple/{{ project.name }}/{{ file.version }}/{{ file.name }}",
        type="text/html",
        list="""<!DOCTYPE html><html><head><title>Simple index</title></head><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a><br>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html><head><title>Links for {{ project.name }}</title></head><body>
<h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ file.version|urlencode }}/{{ file.quoted }}#sha256={{ file.sha256 }}"
 data-gpg-sig="false"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
>{{ file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="Azure Artifacts",
        tells="sha256 python",
        index="/org/_packaging/feed/pypi/simple/",
        page_path="/org/_packaging/feed/pypi/simple/{{ project.name }}/",
        file_path="/org/_packaging/1-2-3/pypi/download/{{ project.name }}/{{ file.version }}/{{ file.name }}",
        finds_spellings=True,
        list="""<!DOCTYPE html><html><head><title>Simple index</title></head><body>
{% for project in projects %}<a href="{{ origin }}/org/_packaging/feed/pypi/simple/{{ project.name -}}
/">{{ project.raw }}</a>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html><html><head><title>Links for {{ project.raw }}</title></head>
<body><h1>Links for {{ project.raw }}</h1>
{% for file in files %}<a href="{{ origin }}/org/_packaging/1-2-3/pypi/download/{{ project.name }}/
{{- file.version|urlencode }}/{{ file.quoted }}#sha256={{ file.sha256 }}"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
>{{ file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="Google Artifact Registry",
        tells="sha256",
        index="/project/repo/simple/",
        page_path="/project/repo/simple/{{ project.name }}/",
        file_path="/project/repo/{{ project.name }}/{{ file.name }}",
        slashless=200,
        list="""<!DOCTYPE html>
<html><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html>
<html><head><title>Links for {{ project.name }}</title></head><body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="../../{{ project.name }}/{{ file.name }}#sha256={{ file.sha256 }}">
{{- file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="Cloudsmith",
        tells="md5 python",  # pip takes the first
        index="/basic/me/repo/python/simple/",
        page_path="/basic/me/repo/python/simple/{{ project.name }}/",
        file_path="/basic/me/repo/python/{{ file.name }}",
        list="""<!DOCTYPE html>
<html><head><meta name="pypi:repository-version" content="1.0"><title>Simple Index</title></head><body>
{% for project in projects %}<a href="{{ project.name }}/">{{ project.name }}</a><br/>
{% endfor %}</body></html>""",
        page="""<!DOCTYPE html>
<html><head><meta name="pypi:repository-version" content="1.0">
<title>Links for {{ project.name }}</title></head><body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="{{ origin }}{{ file.path }}#md5={{ file.md5 }}&amp;sha256={{ file.sha256 }}"
 rel="package"
{% if file.requires_python %} data-requires-python="{{ file.requires_python|e }}"{% endif %}
>{{ file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
    Recorded(
        name="anaconda.org",
        tells="md5",
        index="/me/simple",
        page_path="/me/simple/{{ project.name }}/",
        file_path="/me/simple/{{ project.name }}/{{ file.version }}/{{ file.name }}",
        slashless=200,
        list="""<!DOCTYPE html>
<html><head><title>Simple Index</title></head><body>
{% for project in projects %}<a href="/me/simple/{{ project.name }}/">{{ project.name }}</a><br/>
{% endfor %}</body></html>""",
        page="""<html><head><title>Links for {{ project.name }}</title></head>
<body><h1>Links for {{ project.name }}</h1>
{% for file in files %}<a href="/me/simple/{{ project.name }}/{{ file.version|urlencode }}/{{ file.quoted -}}
#md5={{ file.md5 }}">{{ file.name }}</a><br/>
{% endfor %}</body></html>""",
    ),
)
