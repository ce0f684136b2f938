/** The Express application of both backends that run one, as its documentation begins. */
import express from 'express'
import { BODY } from './parent.mjs'

export const app = express()
app.get('*all', (_request, response) => {
  response.type('text/plain').send(BODY)
})
