import { cookies } from 'next/headers'

export async function GET() {
  const jar = await cookies()
  return Response.json(Object.fromEntries(jar.getAll().map(({ name, value }) => [name, value])))
}
