import { expect } from 'chai'
import { readHostForm } from '../../src/host/pages.ts'

const FORM = `<form id="op.deviceInputForm" novalidate method="post" action="https://op.example.com/device">
  <input type="hidden" name="xsrf" value="a-token"/>
  <input type="text" name="user_code" placeholder="Enter code"></input>
</form>`

describe('the form that the host hands over as HTML', () => {
  it('is read: its address and its token', () => {
    expect(readHostForm(FORM)).to.deep.equal({
      action: 'https://op.example.com/device',
      xsrf: 'a-token',
    })
  })

  for (const [part, without] of [
    ['action', FORM.replace(/ action="[^"]*"/, '')],
    ['field named xsrf', FORM.replace('name="xsrf"', 'name="csrf"')],
  ] as const)
    it(`without its ${part} is refused by name: a page with an empty one would fail later, and say nothing`, () => {
      expect(() => readHostForm(without))
        .to.throw(`The form of the host has no ${part}`)
        .with.property('code', 'host-unfit')
    })
})
