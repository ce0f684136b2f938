import { describeFile } from '../../../content.mjs'

export async function POST(request) {
  const fields = {}
  const files = []
  for (const [name, value] of await request.formData()) {
    if (typeof value === 'string') fields[name] = value
    else files.push(describeFile(name, value.name, value.type, new Uint8Array(await value.arrayBuffer())))
  }
  return Response.json({ fields, files })
}
