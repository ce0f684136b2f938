import { NextResponse } from 'next/server'

export const dynamic = 'force-dynamic'

export function GET() {
  const response = new NextResponse('cookies\n')
  response.cookies.set('first', 'one', { httpOnly: true })
  response.cookies.set('second', 'two words', { sameSite: 'lax', path: '/cookies' })
  return response
}
