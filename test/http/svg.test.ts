import { expect } from 'chai'
import QRCode from 'qrcode'
import { inlineSvg } from '../../src/http/svg.ts'

describe('a drawing that is put into a page', () => {
  it('is a QR code as it was made', async () => {
    const svg = await QRCode.toString('otpauth://totp/x?secret=ABC', { type: 'svg' })
    expect(inlineSvg(svg)).to.equal(svg.trim())
    const wide = await QRCode.toString('x', { type: 'svg', width: 200, margin: 4 })
    expect(inlineSvg(wide)).to.equal(wide.trim())
  })

  const refused: Readonly<Record<string, unknown>> = {
    'is no string': undefined,
    'is no drawing': '<p>x</p>',
    'is a drawing by name only': '<svgx></svgx>',
    'has a script': '<svg><script>alert(1)</script></svg>',
    'has a script in capitals': '<svg><SCRIPT src="x"></SCRIPT></svg>',
    'has a handler': '<svg onload="alert(1)"></svg>',
    'has a handler without quotes': '<svg onload=alert(1)></svg>',
    'has a handler after a slash': '<svg/onload="alert(1)">',
    'has a link': '<svg><a href="javascript:alert(1)"><path d="M0 0"/></a></svg>',
    'refers to another file': '<svg><use href="https://x.example/y.svg#z"/></svg>',
    'has a style': '<svg><style>*{}</style></svg>',
    'has an inline style': '<svg style="color:red"></svg>',
    'has foreign elements': '<svg><foreignObject><p>x</p></foreignObject></svg>',
    'has text between its elements': '<svg>text</svg>',
    'has a comment': '<svg><!-- x --></svg>',
    'has a value that is more than a shape': '<svg><path fill="url(https://x.example)"/></svg>',
    'is followed by more': '<svg></svg><img src="x">',
    'has an attribute on a closing tag': '<svg></svg onload="x">',
  }
  for (const [what, svg] of Object.entries(refused))
    it(`R30 is refused when it ${what}`, () => {
      expect(() => inlineSvg(svg)).to.throw(TypeError)
    })
})
