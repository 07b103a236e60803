"""Los textos de los avisos en español."""

from fairgate.notify.text import Language, Template

SPANISH = Language(
    locale="es_419",
    day="EEEE d 'de' MMMM",
    brief_day="EEE d MMM",
    moment="las {time} del {day}, hora de {city}",
    place="{port}, {day} a las {time}, hora de {city}, para {people}",
    one_person="1 persona",
    people="{number} personas",
    closing=(
        "Nunca le pedimos su código de acceso en un mensaje ni por teléfono."
        " Registrarse, pedir una cita y confirmarla no cuesta nada.\n\n{agency}"
    ),
    templates={
        "offered": Template(
            "Se le ofrece un lugar: confírmelo a más tardar a {deadline}",
            "Se le ofrece un lugar: {place}.\n\n"
            "Para conservarlo, inicie sesión con su número de registro y su código de acceso y confírmelo"
            " a más tardar a {deadline}. Si no lo confirma hasta entonces, pasa al siguiente grupo"
            " de la lista de reserva, y su solicitud sigue en pie.\n\n"
            "Si no puede venir, rechácelo, por favor: otra persona puede usar el lugar, y usted conserva sus semanas.",
            "{service}: se le ofrece un lugar: {brief_place}. Confírmelo a más tardar a {brief_deadline}, o pasa"
            " al siguiente grupo. Inicie sesión con su número y su código de acceso.",
        ),
        "offered over capacity": Template(
            "Se le ofrece un lugar: confírmelo a más tardar a {deadline}",
            "Usted faltaba en la lista de un sorteo por un error nuestro. Su comprobante vale, y se le ofrece un"
            " lugar: {place}.\n\n"
            "Para conservarlo, inicie sesión con su número de registro y su código de acceso y confírmelo"
            " a más tardar a {deadline}. Si no lo confirma hasta entonces, la oferta termina, y su solicitud sigue en"
            " pie.\n\n"
            "Si no puede venir, rechácelo, por favor: usted conserva sus semanas.",
            "{service}: se le ofrece un lugar: {brief_place}. Confírmelo a más tardar a {brief_deadline}, o la oferta"
            " termina. Inicie sesión con su número y su código de acceso.",
        ),
        "offered paused": Template(
            "Se le ofrece un lugar",
            "Se le ofrece un lugar: {place}.\n\n"
            "En este momento la confirmación no funciona para todos, por eso su plazo está detenido."
            " Le avisaremos cuando vuelva a funcionar y hasta cuándo puede confirmar."
            " Puede intentarlo en cualquier momento.",
            "{service}: se le ofrece un lugar: {brief_place}. Ahora la confirmación no funciona para todos y su"
            " plazo está detenido. Le avisaremos cuando funcione.",
        ),
        "confirmed": Template(
            "Tiene una cita: {port}, {day}",
            "Usted confirmó su lugar: {place}.\n\n"
            "Venga con todas las personas de su grupo. Traiga el número de registro y, de cada persona,"
            " un documento si lo hay. Si no puede venir, cancele la cita, por favor, en la página"
            " «Su situación».",
            "{service}: usted tiene una cita: {brief_place}. Venga con todo su grupo y traiga el número de registro.",
        ),
        "declined": Template(
            "Usted rechazó el lugar en {port} del {day}",
            "Usted rechazó el lugar que se le ofreció: {place}.\n\n"
            "Su solicitud sigue en pie, y usted conserva sus semanas.",
            "{service}: usted rechazó el lugar en {port} del {brief_day}. Su solicitud sigue en pie, y conserva"
            " sus semanas.",
        ),
        "lapsed": Template(
            "La oferta de un lugar en {port} el {day} terminó",
            "El lugar que se le ofreció no se confirmó dentro del plazo, que terminó a {deadline}: {place}."
            " Pasa al siguiente grupo de la lista de reserva.\n\n"
            "No cuenta en su contra: su solicitud sigue en pie, y usted conserva sus semanas.",
            "{service}: su lugar en {port} del {brief_day} no se confirmó a más tardar a {brief_deadline} y pasa"
            " al siguiente grupo. Su solicitud sigue en pie, y conserva sus semanas.",
        ),
        "lapsed over capacity": Template(
            "La oferta de un lugar en {port} el {day} terminó",
            "El lugar que se le ofreció no se confirmó dentro del plazo, que terminó a {deadline}: {place}.\n\n"
            "No cuenta en su contra: su solicitud sigue en pie, y usted conserva sus semanas.",
            "{service}: su lugar en {port} del {brief_day} no se confirmó a más tardar a {brief_deadline}."
            " Su solicitud sigue en pie, y conserva sus semanas.",
        ),
        "cancelled by holder": Template(
            "Usted canceló el lugar en {port} del {day}",
            "Usted canceló su lugar: {place}.\n\nSu solicitud sigue en pie, y usted conserva sus semanas.",
            "{service}: usted canceló el lugar en {port} del {brief_day}. Su solicitud sigue en pie, y conserva"
            " sus semanas.",
        ),
        "cancelled": Template(
            "Su lugar en {port} del {day} fue cancelado",
            "{agency} canceló su lugar: {place}.\n\nMotivo indicado: {why}\n\n"
            "Su solicitud sigue en pie, y usted conserva sus semanas.",
            "{service}: cancelamos su lugar en {port} del {brief_day}. Inicie sesión para leer el motivo. Su"
            " solicitud sigue en pie, y conserva sus semanas.",
        ),
        "extended": Template(
            "Tiene más tiempo para confirmar: hasta {deadline}",
            "Hubo un tiempo en que la confirmación no funcionó, y ese tiempo se le devuelve."
            " Puede confirmar su lugar hasta {deadline}: {place}.\n\n"
            "La página «Su situación» muestra cómo se calculó este plazo.",
            "{service}: tiene más tiempo. Puede confirmar su lugar en {port} del {brief_day} hasta"
            " {brief_deadline}. Inicie sesión con su número y su código de acceso.",
        ),
        "extended paused": Template(
            "Su plazo está detenido",
            "En este momento la confirmación no funciona para todos,"
            " por eso el plazo de su lugar está detenido: {place}.\n\n"
            "No pierde nada por esperar. Le avisaremos cuando vuelva a funcionar y hasta cuándo puede confirmar."
            " Puede intentarlo en cualquier momento.",
            "{service}: ahora la confirmación no funciona para todos y el plazo de su lugar en {port} del"
            " {brief_day} está detenido. No pierde nada. Le avisaremos cuando funcione.",
        ),
        "outage over": Template(
            "La confirmación vuelve a funcionar",
            "La confirmación no funcionó desde {start}, hasta {end}. Ya vuelve a funcionar.\n\n"
            "El tiempo perdido se le devuelve. Le enviaremos su nuevo plazo en otro mensaje;"
            " ya puede confirmar su lugar.",
            "{service}: la confirmación vuelve a funcionar. No funcionó desde {brief_start}, hasta {brief_end}."
            " Se le devuelve ese tiempo; su nuevo plazo llega en otro mensaje.",
        ),
        "withdrawn": Template(
            "Su solicitud está retirada",
            "Usted retiró su solicitud. Ya no entrará en ningún sorteo.\n\n"
            "Durante 72 horas puede recuperarla en la página «Su situación», como si nunca la hubiera retirado.",
            "{service}: usted retiró su solicitud. Durante 72 horas puede recuperarla como si nunca la hubiera"
            " retirado.",
        ),
        "restored": Template(
            "Su solicitud está otra vez en pie",
            "Usted recuperó su solicitud. Sigue en pie como si nunca la hubiera retirado, para: {ports}.",
            "{service}: su solicitud está otra vez en pie, como si nunca la hubiera retirado.",
        ),
        "missed": Template(
            "Nadie se presentó a su cita en {port} el {day}",
            "No se registró la llegada de nadie de su grupo a su cita: {place}.\n\n"
            "No cuenta en su contra: su solicitud está otra vez en pie, y usted conserva sus semanas."
            " Si usted estuvo allí, avise a la oficina del puerto, por favor.",
            "{service}: no se registró a nadie de su grupo en {port} el {brief_day}. No cuenta en su contra: su"
            " solicitud está otra vez en pie. Si estuvo allí, avise a la oficina del puerto.",
        ),
    },
)
