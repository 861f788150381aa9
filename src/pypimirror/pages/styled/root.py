"""The root page as people like it: how much there is, and a field that finds a name as one types. Pure."""

import itertools
from collections.abc import Iterable, Iterator

from pypimirror.amounts import about, numbered, rounded, size_text
from pypimirror.model import Listed
from pypimirror.pages import markup
from pypimirror.pages.published import PageTotals
from pypimirror.pages.styled.head import commands, head, squeezed

_GROUP = 120
"""Projects that a browser hides, or lays out, together; so many fill their lines in up to six columns."""

# The field compares names in PEP 503 form; all words that are typed have to be in a name. A group without
# any such name is hidden as a whole, so that a key costs few changes. No text here may look like a link.
_SCRIPT = squeezed("""
'use strict';
const [field,told,main]=['input','output','main'].map(name=>document.querySelector(name)),
normal=text=>text.toLowerCase().replace(/[-_.]+/g,'-'),
groups=[...document.querySelectorAll('ul')].map(list=>({list,
rows:[...list.children].map(row=>({row,name:normal(row.textContent.trim())}))}));
let before='',due=0;
function filter(){
due=0;
const typed=normal(field.value).trim();
if(typed===before)return;
before=typed;
const words=typed.split(/\\s+/);
let total=0;
for(const {list,rows} of groups){
const found=rows.filter(({name})=>words.every(word=>name.includes(word)));
total+=found.length;
list.hidden=!found.length;
if(found.length){
const wanted=new Set(found);
for(const each of rows)if(each.row.hidden===wanted.has(each))each.row.hidden=!each.row.hidden}
}
main.className=typed&&total<500?'few':'';
told.value=typed?total.toLocaleString('en')+' found':''
}
function soon(){due=due||requestAnimationFrame(filter)}
field.addEventListener('input',soon);
field.addEventListener('keydown',event=>{
if(event.key==='Enter'){filter();document.querySelector('ul:not([hidden])>:not([hidden]) a')?.click()}});
addEventListener('pageshow',soon);
field.hidden=false
""")
_HEAD = head(
    """
[hidden]{display:none!important}
input{box-sizing:border-box;width:100%;max-width:30rem;padding:.5rem .7rem;font:inherit;color:inherit;
background:var(--box);border:1px solid var(--dim);border-radius:.4rem}
output{margin-left:.8rem;color:var(--dim)}
.find{position:sticky;top:0;margin:0;padding:.6rem 0;background:var(--back)}
ul,.few{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:0 1rem;margin:0;padding:0;
list-style:none}
ul{content-visibility:auto;contain-intrinsic-size:auto 32rem}
.few ul{display:contents}
""",
    _SCRIPT,
)
_FIELD = (
    '<p class="find"><input type="search" hidden placeholder="Find a project" aria-label="Find a project"'
    ' autocomplete="off" spellcheck="false"><output></output></p>\n'
)
"""Shown by the script, without which it can't be used."""


def root_html(projects: Iterable[Listed], counts: PageTotals, base_url: str) -> Iterator[bytes]:
    """Render the root page block by block; `projects` are sorted by name."""
    yield f"{markup.before('Simple index', _HEAD)}{_top(counts, base_url)}".encode()
    lines = (f"<li>{markup.project_anchor(project.name, project.display_name)}\n" for project in projects)
    while group := "".join(itertools.islice(lines, _GROUP)):
        yield f"<ul>\n{group}</ul>\n".encode()
    yield f"</main>\n<script>{_SCRIPT}</script>\n{markup.AFTER}".encode()


def _top(counts: PageTotals, base_url: str) -> str:
    projects = numbered(counts.projects, "project")
    # Exact numbers would change the page with each file that comes, for caches and copies in vain.
    files, size = about(counts.files, "file"), size_text(rounded(counts.bytes))
    install = commands(base_url, "NAME") if base_url and counts.files else ""
    summary = f"<p>{projects}, {files}, {size}</p>\n"
    return f"<h1>Python packages</h1>\n{summary}{install}{_FIELD}<main>\n"
