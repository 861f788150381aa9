"""Folders that a web server lists, so without any digest: raw names of folders, sort links, the way up."""

from tests.wild.play import Recorded

_FOLDER = "/simple/{{ project.raw }}/"
_FILE = _FOLDER + "{{ file.name }}"

FOLDERS = (
    Recorded(
        name="http.server",
        page_path=_FOLDER,
        file_path=_FILE,
        only_raw=True,
        type="text/html; charset=utf-8",
        list="""<!DOCTYPE HTML>
<html lang="en"><head><meta charset="utf-8"><title>Directory listing for /simple/</title></head><body>
<h1>Directory listing for /simple/</h1><hr><ul>
{% for project in projects %}<li><a href="{{ project.raw }}/">{{ project.raw }}/</a></li>
{% endfor %}<li><a href="README.txt">README.txt</a></li></ul><hr></body></html>
""",
        page="""<!DOCTYPE HTML>
<html lang="en"><head><meta charset="utf-8">
<title>Directory listing for /simple/{{ project.raw }}/</title></head><body>
<h1>Directory listing for /simple/{{ project.raw }}/</h1><hr><ul>
{% for file in files %}<li><a href="{{ file.quoted }}">{{ file.name }}</a></li>
{% endfor %}</ul><hr></body></html>
""",
    ),
    Recorded(
        name="Apache",
        page_path=_FOLDER,
        file_path=_FILE,
        only_raw=True,
        type="text/html;charset=UTF-8",
        list="""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /simple</title></head><body><h1>Index of /simple</h1>
<table><tr><th><img src="/icons/blank.gif" alt="[ICO]"></th><th><a href="?C=N;O=D">Name</a></th>
<th><a href="?C=M;O=A">Last modified</a></th><th><a href="?C=S;O=A">Size</a></th></tr>
<tr><td><img src="/icons/back.gif" alt="[PARENTDIR]"></td><td><a href="/">Parent Directory</a></td></tr>
{% for project in projects %}<tr><td><a href="{{ project.raw }}/">{{ project.raw }}/</a></td>
<td align="right">2024-01-02 03:04  </td><td align="right">  - </td></tr>
{% endfor %}</table>
<address>Apache/2.4.62 (Debian) Server at packages.example.org Port 80</address></body></html>
""",
        page="""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /simple/{{ project.raw }}</title></head><body>
<h1>Index of /simple/{{ project.raw }}</h1>
<pre><img src="/icons/blank.gif" alt="Icon "> <a href="?C=N;O=D">Name</a> <a href="?C=S;O=A">Size</a><hr>
<img src="/icons/back.gif" alt="[PARENTDIR]"> <a href="/simple/">Parent Directory</a>   -
{% for file in files %}<img src="/icons/unknown.gif"> <a href="{{ file.name }}">{{ file.name }}</a>
{% endfor %}<hr></pre></body></html>
""",
    ),
    Recorded(
        name="nginx",
        page_path=_FOLDER,
        file_path=_FILE,
        only_raw=True,
        type="text/html",
        list="""<html>\r
<head><title>Index of /simple/</title></head>\r
<body>\r
<h1>Index of /simple/</h1><hr><pre><a href="../">../</a>\r
{% for project in projects %}<a href="{{ project.raw }}/">{{ project.raw }}/</a>  02-Jan-2024 03:04   -\r
{% endfor %}</pre><hr></body>\r
</html>\r
""",
        # Long names are cut in the text, so that only the address has the whole of them.
        page="""<html>\r
<head><title>Index of /simple/{{ project.raw }}/</title></head>\r
<body>\r
<h1>Index of /simple/{{ project.raw }}/</h1><hr><pre><a href="../">../</a>\r
{% for file in files %}<a href="{{ file.name }}">{{ file.name[:12] }}..&gt;</a>  02-Jan-2024 03:04  9\r
{% endfor %}</pre><hr></body>\r
</html>\r
""",
    ),
    Recorded(
        name="lighttpd",
        page_path=_FOLDER,
        file_path=_FILE,
        only_raw=True,
        list="""<!DOCTYPE html><html><head><title>Index of /simple/</title></head><body>
<h2>Index of /simple/</h2><div class="list"><table><thead><tr><th>Name</th></tr></thead><tbody>
<tr class="d"><td class="n"><a href="../">..</a>/</td></tr>
{% for project in projects %}<tr class="d"><td class="n">
<a href="{{ project.raw }}/">{{ project.raw }}</a>/</td></tr>
{% endfor %}</tbody></table></div><div class="foot">lighttpd</div></body></html>
""",
        page="""<!DOCTYPE html><html><head><title>Index of /simple/{{ project.raw }}/</title></head><body>
<h2>Index of /simple/{{ project.raw }}/</h2><div class="list"><table><tbody>
<tr class="d"><td class="n"><a href="../">..</a>/</td></tr>
{% for file in files %}<tr><td class="n"><a href="{{ file.quoted }}">{{ file.name }}</a></td></tr>
{% endfor %}</tbody></table></div><div class="foot">lighttpd</div></body></html>
""",
    ),
)
